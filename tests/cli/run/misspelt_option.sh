ptm run $FIX/conv.pt --inptu $FIX/x.npy
