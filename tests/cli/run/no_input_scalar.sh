ptm run $FIX/loop.pt
