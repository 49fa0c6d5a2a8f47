"$PTM" profile "$FIX/conv.pt" -i "$FIX/x.npy" -b cpu,cpu
