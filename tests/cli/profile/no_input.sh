"$PTM" profile "$FIX/conv.pt"
