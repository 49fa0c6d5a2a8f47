ptm inspect $FIX/state.pt --dump entry -i [1.0,2.0] | sed "s/piece [0-9a-f]*/piece HASH/"
