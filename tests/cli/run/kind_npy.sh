ptm run $FIX/x.npy
