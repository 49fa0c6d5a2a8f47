mkdir out; ptm run $FIX/conv.pt -i $FIX/x.npy -o out -q; ls -A out; cmp out/out0.npy $FIX/y.npy >/dev/null; ptm run $FIX/conv.pt -i $FIX/x.npy -q --expect out/out0.npy --atol 0
