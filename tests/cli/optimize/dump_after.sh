ptm optimize $FIX/conv.pt -o out.ptm -i $FIX/x.npy --dump-after fuse_clamp
