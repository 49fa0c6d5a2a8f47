ptm bench $FIX/state.pt -m fail -i [1.0,2.0] --backend cpu -q
