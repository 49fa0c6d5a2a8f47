ptm run $FIX/conv.pt --input-shape z=1,3
