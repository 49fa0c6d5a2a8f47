$PTM strip-unused-ops $FIX/conv.pt --ops-yaml nowhere/ops.yaml --quiet
