"$PTM" profile "$FIX/conv.pt" -i "$FIX/x.npy" -r 2 -w 1 --sort order --cpu c --passes none --by type | sed -f "$TOP/tests/cli/profile/mask.sed"
