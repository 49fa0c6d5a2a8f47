ptm bench $FIX/conv.pt --backend cpu
