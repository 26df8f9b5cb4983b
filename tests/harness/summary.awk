# SPDX-License-Identifier: MIT
# summary.awk - reads the log that ctest leaves (Testing/Temporary/LastTest.log) and adds
# up what its tests did: CUnit's Run Summary of each test program, and last the sum of
# all. The tests of a script that prints "N passed, N failed" count as well; any other ctest
# test counts as one, and so does one that failed although its own summary, if it came to
# print one, knows of no failure.

function count(type, ran, passed, failed) {
    total[type] += ran
    good[type] += passed
    bad[type] += failed
}

# One line of the last table; w is the width of its columns.
function row(type, n, ran, passed, failed, inactive) {
    printf "%20s%" w "s%" w "s%" w "s%" w "s%9s\n", type, n, ran, passed, failed, inactive
}

/^[0-9]+\/[0-9]+ Test: / {
    name = $0
    sub(/^[0-9]+\/[0-9]+ Test: /, "", name)
    summaries = failures = 0
}
/^Run Summary:/ {
    summary = 1
    summaries++
    printf "\n%s\n", name
}
summary && NF == 0 { summary = 0 }
summary {
    print
    if ($1 == "suites")
        count("suites", $3, $3 - $5, $5)
    if ($1 == "tests" || $1 == "asserts")
        count($1, $3, $4, $5)
    if ($1 != "asserts")
        failures += $5
}
/^[0-9]+ passed, [0-9]+ failed$/ {
    summaries++
    failures += $3
    others += $1 + $3
    count("tests", $1 + $3, $1, $3)
}
/^Test (Passed|Failed)\.$/ {
    passed = $2 == "Passed."
    if (!summaries)
        others++
    if (!summaries || (!passed && !failures))
        count("tests", 1, passed, !passed)
}
END {
    printf "\nAll test programs, and %d tests by other means\n", others
    w = length(total["asserts"]) + 1
    w = w < 7 ? 7 : w
    row("Run Summary:    Type", "Total", "Ran", "Passed", "Failed", "Inactive")
    row("suites", total["suites"] + 0, total["suites"] + 0, "n/a", bad["suites"] + 0, 0)
    row("tests", total["tests"] + 0, total["tests"] + 0, good["tests"] + 0, bad["tests"] + 0, 0)
    row("asserts", total["asserts"] + 0, total["asserts"] + 0, good["asserts"] + 0,
        bad["asserts"] + 0, "n/a")
    printf "\n%d passed, %d failed\n", good["tests"], bad["tests"]
    exit bad["tests"] + bad["suites"] > 0 || total["tests"] == 0
}
