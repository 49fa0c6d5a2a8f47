ptm inspect $FIX/conv.pt --input-shape 2,3,8,8 --dump-after fuse_clamp | sed "s/ key=[0-9]*//; s/  # .*//"
