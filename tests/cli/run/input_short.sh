head -c 300 $FIX/x.npy > x.npy; ptm run $FIX/conv.pt -i x.npy
