/* SPDX-License-Identifier: MIT */
/* main.c - alone in its file, so that a test program may bring its own main(). */
#include "harness.h"

int main(int argc, char **argv)
{
    test_begin(argv);
    return test_main(argc, argv);
}
