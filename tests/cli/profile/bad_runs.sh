"$PTM" profile "$FIX/conv.pt" -i "$FIX/x.npy" --runs 0
