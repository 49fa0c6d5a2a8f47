ptm bench $FIX/conv.pt --threads 1,two
