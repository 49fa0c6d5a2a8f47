ptm run $FIX/loop.pt -i 0.5
