command -v zsh > /dev/null || { echo "no zsh"; exit 77; }
$PTM completion zsh > _ptm && zsh -n _ptm && grep -c _arguments _ptm > /dev/null && echo fine
