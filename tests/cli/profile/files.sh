"$PTM" profile "$FIX/conv.pt" -i "$FIX/x.npy" -r 1 -b cpu,ref -q --json p.json --trace t.json && ls
