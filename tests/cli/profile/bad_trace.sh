"$PTM" profile "$FIX/conv.pt" -i "$FIX/x.npy" -r 1 -q --trace none/t.json
