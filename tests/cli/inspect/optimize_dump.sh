ptm inspect $FIX/conv.pt --input-shape 2,3,8,8 --optimize --dump graph | sed "s/ key=[0-9]*//"
