# exact integers, no NaN; everything else is left to the schema (tests/unit/test_json)
ptm bench $FIX/conv.pt -i $FIX/x.npy --backend cpu --runs 4 --rounds 2 -w 1 --json - > doc.json
grep -cE ':[[:space:]]*-?(nan|inf)' doc.json; grep -E '"(schema|status|id|quantile_method|rule|top1_equal|p99)"' doc.json
grep -c '"run_type":.*"iteration"' doc.json; grep -c '"run_type":.*"aggregate"' doc.json
