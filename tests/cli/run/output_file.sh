: > out; ptm run $FIX/conv.pt -i $FIX/x.npy -o out
