module weir-bench-net

go 1.19
