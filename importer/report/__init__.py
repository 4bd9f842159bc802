"""What is left on the disk for people and programs: workbooks, pages, lines, `rows.arrow`, and templates."""
