"$PTM" profile "$FIX/conv.pt" -i "$FIX/x.npy" --by layer
