ptm optimize $FIX/conv.pt -o /dev/stdout -q > out.ptm && ptm run out.ptm -i $FIX/x.npy --expect $FIX/y.npy -q
