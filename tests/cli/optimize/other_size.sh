ptm optimize $FIX/conv.pt -o out.ptm --input-shape 2,3,8,8 -q && ptm run $FIX/conv.pt -i @ones:1x3x11x9 -q -o want && ptm run out.ptm -i @ones:1x3x11x9 --expect want/out0.npy --atol 0 --rtol 0
