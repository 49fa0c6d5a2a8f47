ptm inspect $FIX/state.pt --dump entry -i [1.0,2.0]
