/* SPDX-License-Identifier: MIT */
/* main.c - test_explorer [FILTER...], or one execution: NAME [--seed N|--choices C] [--trace] */
#include "explore.h"

int main(int argc, char **argv)
{
    int rc = explore_replay(argc, argv);
    return rc >= 0 ? rc : test_main(argc, argv);
}
