"$PTM" profile "$FIX/conv.pt" --input-shape 1,4,8,8
