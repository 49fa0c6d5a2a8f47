"$PTM" profile "$FIX/conv.pt" -i "$FIX/x.npy" -r 1 -q --json none/p.json
