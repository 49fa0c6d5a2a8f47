echo hello > x.npy; ptm run $FIX/conv.pt -i x.npy
