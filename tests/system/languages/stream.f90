! SPDX-License-Identifier: GPL-3.0-or-later
! stream.f90 ENDPOINT - the run that languages_test.c expects, from Fortran.
program stream
    use, intrinsic :: iso_fortran_env, only: int64, real64
    use ionwatch
    implicit none

    integer, parameter :: n_atoms = 3
    real(real64) :: cell(3, 3), x(3, n_atoms), v(3, n_atoms)
    character(len=1000) :: endpoint
    type(ionwatch_stream) :: watch
    integer(int64) :: step
    integer :: atom, axis, status

    call get_command_argument(1, endpoint)
    call watch%open(['Li', 'S ', 'Li'], 40.0_real64, &
        masses=[6.94_real64, 32.06_real64, 6.94_real64], length_A=ionwatch_bohr_A, &
        time_fs=0.02418884326586_real64, energy_eV=ionwatch_hartree_eV, stride=10, &
        temperature_K=600.0_real64, code='stream', name='languages', endpoint=endpoint, &
        status=status)
    if (status /= ionwatch_ok) error stop 'open'

    cell(:, 1) = [20.0_real64, 0.0_real64, 0.0_real64]
    cell(:, 2) = [1.0_real64, 21.0_real64, 0.0_real64]
    cell(:, 3) = [0.0_real64, 2.0_real64, 22.0_real64]
    do step = 0, 990, 10
        do atom = 1, n_atoms
            do axis = 1, 3
                x(axis, atom) = atom + 0.01_real64 * step * axis
                v(axis, atom) = 0.001_real64 * atom * axis
            end do
        end do
        call watch%send(step, 40.0_real64 * step, x, v, cell, potential_energy=-0.5_real64, &
            status=status)
        if (status /= ionwatch_ok) error stop 'send'
        if (watch%should_stop()) error stop 'stop'
    end do
    call watch%flush(10000, status)
    if (status /= ionwatch_ok) error stop 'flush'
    call watch%finish('completed', status)
    if (status /= ionwatch_ok) error stop 'finish'
    call watch%close(10000, status)
    if (status /= ionwatch_ok) error stop 'close'
end program stream
