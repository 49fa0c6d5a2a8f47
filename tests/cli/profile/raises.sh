"$PTM" profile "$FIX/state.pt" -i [1.0]
