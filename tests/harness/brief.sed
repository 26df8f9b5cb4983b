# SPDX-License-Identifier: MIT
# brief.sed - what ctest prints, without what says nothing about a failure: which tests of a failed
# program passed, and when ctest begins with one.
/^ *Start  *[0-9][0-9]*: /d
/^Suite: /d
/^  Test: .*passed$/d
