ptm run $FIX/conv.pt -i "\"text\""
