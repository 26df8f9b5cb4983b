/* SPDX-License-Identifier: MIT */
/* test_cgroup.c - quotas of processor time, in trees of files that look like a system's. */
#define _GNU_SOURCE
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "expect.h"
#include "harness.h"
#include "os_thread.h"

static char root[] = P_tmpdir "/weir-cgroup-XXXXXX";

static int remove_one(const char *path, const struct stat *unused, int type, struct FTW *at)
{
    (void)unused;
    (void)type;
    (void)at;
    return remove(path);
}

static void begin(void)
{
    strcpy(root + sizeof root - 7, "XXXXXX");
    REQUIRE(mkdtemp(root) != NULL);
}

static void end(void)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* With the directories that lead there. */
static void file(const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root); (slash = strchr(slash + 1, '/'));) {
        *slash = 0;
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *f = fopen(full, "w");
    REQUIRE(f != NULL);
    fputs(text, f);
    fclose(f);
}

static unsigned long quota(void)
{
    return os_cgroup_quota(root);
}

#define MOUNTS "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
#define UNIFIED MOUNTS "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"

static void unified(void)
{
    begin();
    EXPECT_EQ(quota(), 0); /* nothing is there */
    file("/proc/self/mountinfo", UNIFIED);
    EXPECT_EQ(quota(), 0);
    file("/proc/self/cgroup", "0::/a.slice/b.service\n");
    EXPECT_EQ(quota(), 0);
    file("/sys/fs/cgroup/a.slice/b.service/cpu.max", "max 100000\n");
    EXPECT_EQ(quota(), 0);
    file("/sys/fs/cgroup/a.slice/b.service/cpu.max", "");
    EXPECT_EQ(quota(), 0);
    file("/sys/fs/cgroup/a.slice/b.service/cpu.max", "200000 0\n");
    EXPECT_EQ(quota(), 0);
    file("/sys/fs/cgroup/a.slice/b.service/cpu.max", "300000 100000\n");
    EXPECT_EQ(quota(), 3);
    file("/sys/fs/cgroup/a.slice/b.service/cpu.max", "300001 100000\n"); /* rounded up */
    EXPECT_EQ(quota(), 4);
    file("/sys/fs/cgroup/a.slice/b.service/cpu.max", "1000 100000\n");
    EXPECT_EQ(quota(), 1);
    end();
}

/* The tightest of the group's own and of those above. */
static void unified_nested(void)
{
    begin();
    file("/proc/self/mountinfo", UNIFIED);
    file("/proc/self/cgroup", "0::/a/b/c\n");
    file("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
    EXPECT_EQ(quota(), 8);
    file("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
    EXPECT_EQ(quota(), 2);
    file("/sys/fs/cgroup/a/b/cpu.max", "250000 50000\n");
    EXPECT_EQ(quota(), 2);
    file("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    EXPECT_EQ(quota(), 2);
    file("/sys/fs/cgroup/cpu.max", "50000 100000\n"); /* of what is mounted itself */
    EXPECT_EQ(quota(), 1);
    file("/sys/fs/cpu.max", "garbage");
    EXPECT_EQ(quota(), 1);
    file("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    file("/proc/self/cgroup", "0::/\n");
    EXPECT_EQ(quota(), 3);
    end();
}

#define SPLIT                                                                                      \
    MOUNTS "31 22 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"                            \
           "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"           \
           "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"                     \
           "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

static void split(void)
{
    begin();
    file("/proc/self/mountinfo", SPLIT);
    file("/proc/self/cgroup", "5:cpuset:/wrong\n4:memory:/wrong\n3:cpu,cpuacct:/x/y\n0::/z\n");
    EXPECT_EQ(quota(), 0);
    file("/sys/fs/cgroup/cpuset/wrong/cpu.cfs_quota_us", "1000\n");
    file("/sys/fs/cgroup/cpuset/wrong/cpu.cfs_period_us", "1000\n");
    EXPECT_EQ(quota(), 0);
    file("/sys/fs/cgroup/cpu,cpuacct/x/y/cpu.cfs_quota_us", "600000\n");
    EXPECT_EQ(quota(), 0); /* no period */
    file("/sys/fs/cgroup/cpu,cpuacct/x/y/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(quota(), 6);
    file("/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n");
    file("/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(quota(), 6);
    file("/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "350000\n");
    EXPECT_EQ(quota(), 4);
    file("/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "0\n");
    EXPECT_EQ(quota(), 6);
    file("/sys/fs/cgroup/unified/z/cpu.max", "500000 100000\n"); /* both count */
    EXPECT_EQ(quota(), 5);
    file("/sys/fs/cgroup/cpu,cpuacct/x/y/cpu.cfs_quota_us", "-1\n");
    file("/sys/fs/cgroup/unified/z/cpu.max", "max 100000\n");
    EXPECT_EQ(quota(), 0);
    end();
}

/* What is mounted is the group itself, or the one above it; and other names. */
static void container(void)
{
    begin();
    file("/proc/self/mountinfo",
         MOUNTS "32 31 0:29 /docker/abc /cg/cpu rw - cgroup cgroup rw,cpuacct,cpu\n");
    file("/proc/self/cgroup", "3:cpuacct,cpu:/docker/abc\n");
    file("/cg/cpu/cpu.cfs_quota_us", "200000\n");
    file("/cg/cpu/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(quota(), 2);
    file("/proc/self/cgroup", "3:cpuacct,cpu:/docker/abc/inner\n");
    file("/cg/cpu/inner/cpu.cfs_quota_us", "100000\n");
    file("/cg/cpu/inner/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(quota(), 1);
    file("/proc/self/cgroup", "3:cpuacct,cpu:/docker/abcdef/inner\n"); /* not below it */
    EXPECT_EQ(quota(), 2);
    file("/proc/self/cgroup", "3:cpuacct,cpu:/../../elsewhere\n");
    EXPECT_EQ(quota(), 2);
    file("/proc/self/cgroup", "3:cpuset:/docker/abc\n");
    EXPECT_EQ(quota(), 0);
    end();
}

static void malformed(void)
{
    static const char *const lines[] = {"",
                                        "\n",
                                        " - \n",
                                        "1 2 3 - cgroup2 x y\n",
                                        "1 2 3 / /sys/fs/cgroup rw\n",
                                        "1 2 3 / /sys/fs/cgroup rw - cgroup2\n",
                                        "1 2 3 / /sys/fs/cgroup rw - cgroup2 x\n"};
    begin();
    file("/proc/self/cgroup", "0::/\n");
    file("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        file("/proc/self/mountinfo", lines[i]);
        EXPECT_EQ(quota(), 0);
    }
    file("/proc/self/mountinfo", "1 2 3 / /sys/fs/cgroup rw - cgroup2 x y\n");
    EXPECT_EQ(quota(), 1);
    file("/proc/self/cgroup", "0:\nnothing\n");
    EXPECT_EQ(quota(), 0);
    end();
}

static void here(void)
{
    EXPECT(os_processors() >= 1);
    EXPECT(os_cgroup_quota("") == 0 || os_processors() <= os_cgroup_quota(""));
}

TEST_SUITE(cgroup, "actors: quotas of control groups", {"F001 quota: version 2", unified},
           {"F001 quota: the tightest group counts", unified_nested},
           {"F001 quota: version 1, and both", split}, {"F001 quota: in a container", container},
           {"F001 quota: files that make no sense", malformed}, {"F001 quota: this system", here});
