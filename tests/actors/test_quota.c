/* SPDX-License-Identifier: MIT */
/* test_quota.c - how many processors a cgroup's quota is worth, in files like the kernel's. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "os_thread.h"

static char folder[] = P_tmpdir "/weir-quota-XXXXXX";
static char cgroup[64];

static const char *path_of(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    REQUIRE(f != NULL);
    fputs(text, f);
    fclose(f);
}

/* The hierarchy /a/b, without files. */
static void begin(void)
{
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(cgroup, sizeof cgroup, "%s/cgroup", folder);
    REQUIRE_EQ(mkdir(path_of("a"), 0700), 0);
    REQUIRE_EQ(mkdir(path_of("a/b"), 0700), 0);
    put("cgroup", "0::/a/b\n");
}

static void end(void)
{
    static const char *const files[] = {"cgroup", "cpu.max", "a/cpu.max", "a/b/cpu.max"};
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
        unlink(path_of(files[i]));
    rmdir(path_of("a/b"));
    rmdir(path_of("a"));
    EXPECT_EQ(rmdir(folder), 0);
}

static unsigned long quota(void)
{
    return os_quota(cgroup, folder);
}

static void none(void)
{
    begin();
    EXPECT_EQ(quota(), 0);
    put("a/b/cpu.max", "max 100000\n");
    EXPECT_EQ(quota(), 0);
    put("a/b/cpu.max", "");
    EXPECT_EQ(quota(), 0);
    put("a/b/cpu.max", "200000 0\n");
    EXPECT_EQ(quota(), 0);
    put("a/b/cpu.max", "200000 100000\n");
    EXPECT_EQ(quota(), 2);
    put("cgroup", "4:cpu,cpuacct:/a/b\n");
    EXPECT_EQ(quota(), 0);
    unlink(cgroup);
    EXPECT_EQ(quota(), 0);
    end();
}

static void rounded_up(void)
{
    begin();
    put("a/b/cpu.max", "1000 100000\n");
    EXPECT_EQ(quota(), 1);
    put("a/b/cpu.max", "250000 100000\n");
    EXPECT_EQ(quota(), 3);
    put("a/b/cpu.max", "300000 100000");
    EXPECT_EQ(quota(), 3);
    end();
}

static void the_smallest(void)
{
    begin();
    put("a/b/cpu.max", "400000 100000\n");
    put("a/cpu.max", "max 100000\n");
    EXPECT_EQ(quota(), 4);
    put("a/cpu.max", "300000 100000\n");
    EXPECT_EQ(quota(), 3);
    put("cpu.max", "500000 100000\n");
    EXPECT_EQ(quota(), 3);
    put("cpu.max", "200000 100000\n");
    EXPECT_EQ(quota(), 2);
    put("cgroup", "0::/\n");
    EXPECT_EQ(quota(), 2);
    unlink(path_of("cpu.max"));
    EXPECT_EQ(quota(), 0);
    end();
}

TEST_SUITE(quota, "actors: the quota of time", {"F001 quota: there is none", none},
           {"F001 quota: a part of a processor is one", rounded_up},
           {"F001 quota: the smallest of all groups around", the_smallest});
