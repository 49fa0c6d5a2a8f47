ptm run $FIX/state.pt -i [1.0,2.0] --repeat 3
