ptm optimize $FIX/conv.pt -o out.ptm --input-shape 2,3,8,8 && ptm run out.ptm -i $FIX/x.npy --expect $FIX/y.npy -q; ls -A
