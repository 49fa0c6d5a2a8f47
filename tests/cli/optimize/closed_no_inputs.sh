"$PTM" optimize "$FIX/conv.traced.pt" -o closed.ptm --closed
