ptm run $FIX/literals.pt -m two --input-shape second=2,3 -i first=@ones:3 -i times=0
