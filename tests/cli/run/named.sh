ptm run $FIX/literals.pt -m two -i second=[1.0,2.0] -i first=[5.0,5.0] -i times=2
