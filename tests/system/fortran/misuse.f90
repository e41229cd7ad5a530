! SPDX-License-Identifier: GPL-3.0-or-later
! misuse.f90 FILE - what the module says to calls that are wrong, and that the program goes on.
program misused
    use, intrinsic :: iso_fortran_env, only: int64, real32, real64
    use ionwatch
    implicit none

    real(real64) :: x(3, 2), y(2, 3), wide(6, 4)
    real(real32) :: single(3, 2)
    character(len=1000) :: file
    character(len=:), allocatable :: reason
    type(ionwatch_stream) :: watch
    integer(int64) :: sent
    integer :: status

    call get_command_argument(1, file)
    x = reshape([0, 0, 0, 1, 1, 1], [3, 2])
    y = 0
    single = real(x, real32)
    call watch%send(0_int64, 0.0_real64, x, status=status)
    call expect(status /= ionwatch_ok, 'a stream that was not opened takes no frame')
    call expect(.not. watch%should_stop(reason), 'nor does it ask to stop')
    call expect(reason == '', 'nor has it a reason')
    call expect(watch%run_id() == '', 'nor an id')
    call watch%close(status=status)
    call expect(status == ionwatch_ok, 'to close it is harmless')

    call watch%open(['Li', 'Li'], 1.0_real64, masses=[6.94_real64], status=status)
    call expect_error('masses')
    call watch%open(['Li', 'Li'], 1.0_real64, charges=[1.0_real64], status=status)
    call expect_error('charges')
    call watch%open(['Li', 'Li'], 1.0_real64, metadata=['material'], status=status)
    call expect_error('metadata')
    call watch%open(['Li', 'Li'], -1.0_real64, endpoint='file://' // file, status=status)
    call expect_error('timestep')

    call watch%open(['Li', 'Li'], 1.0_real64, endpoint='file://' // file, &
        metadata=['material     ', 'argyrodite A '], status=status)
    call expect(status == ionwatch_ok, 'a good run')
    call expect(watch%error() == '', 'no error')
    call expect(len(watch%run_id()) == 36, 'its id')
    call watch%send(0_int64, 0.0_real64, y, status=status)
    call expect_error('positions(2, 3): (3, 2) is needed')
    call watch%send(0_int64, 0.0_real64, x, y, status=status)
    call expect_error('velocities(2, 3)')
    call watch%send(1_int64, 1.0_real64, x, status=status)
    call expect(status == ionwatch_ok, 'double precision')
    call expect(watch%error() == '', 'the error has gone')
    call watch%send(2_int64, 2.0_real64, single, status=status)
    call expect(status == ionwatch_ok, 'single precision')
    wide = 7
    wide(1:6:2, 1:4:2) = x
    call watch%send(3_int64, 3.0_real64, wide(1:6:2, 1:4:2), status=status)
    call expect(status == ionwatch_ok, 'a section of a larger array')
    call watch%counts(sent)
    call expect(sent == 3, 'three frames were taken')
    call watch%finish(status=status)
    call expect(status == ionwatch_ok, 'the end')
    call watch%close(status=status)
    call expect(status == ionwatch_ok, 'the very end')

contains

    subroutine expect_error(words)
        character(len=*), intent(in) :: words

        call expect(status == ionwatch_invalid, words // ' are refused')
        call expect(index(watch%error(), words) > 0, words // ' are named')
    end subroutine expect_error

    subroutine expect(holds, what)
        logical, intent(in) :: holds
        character(len=*), intent(in) :: what

        if (holds) return
        print '(5a, i0)', 'not so: ', what, ': "', watch%error(), '", status ', status
        error stop
    end subroutine expect
end program misused
