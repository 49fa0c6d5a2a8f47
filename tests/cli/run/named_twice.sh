ptm run $FIX/literals.pt -m two -i [1.0] -i first=[1.0]
