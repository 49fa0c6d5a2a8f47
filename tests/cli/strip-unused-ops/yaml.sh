$PTM strip-unused-ops $FIX/conv.pt $FIX/literals.pt --ops-yaml ops.yaml --quiet && head -n 24 ops.yaml && tail -n 3 ops.yaml
