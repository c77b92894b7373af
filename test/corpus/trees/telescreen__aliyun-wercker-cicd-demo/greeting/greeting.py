WORD = "ahoy"
