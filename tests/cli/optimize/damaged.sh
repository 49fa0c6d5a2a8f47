ptm optimize $FIX/conv.pt -o out.ptm -q; tr "v" "w" < out.ptm > bad.ptm; ptm run bad.ptm -i $FIX/x.npy
