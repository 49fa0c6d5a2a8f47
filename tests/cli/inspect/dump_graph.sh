ptm inspect $FIX/scores.pt --dump graph -i [1.0]; ptm inspect $FIX/conv.traced.pt --dump graph --input-shape 1,3,8,8 | wc -l
