"""What a phone or a sheet of paper carries.

What every wallet shows and carries stands here (`content`, `codes`), as does the loop that brings
wallets into line (`delivery`); what only one of them knows stands in `apple` and `google`.
"""
