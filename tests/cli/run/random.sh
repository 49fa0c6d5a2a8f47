ptm run $FIX/conv.pt --input-shape 2,3,8,8 --seed 3; ptm run $FIX/conv.pt -i @random:2x3x8x8 --seed 3
