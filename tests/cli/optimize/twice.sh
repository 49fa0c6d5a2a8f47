ptm optimize $FIX/conv.pt -o a.ptm -q && ptm optimize a.ptm -o a.ptm -q && ptm inspect a.ptm | sed -n "2,3p" && ptm run a.ptm -i $FIX/x.npy --expect $FIX/y.npy -q
